"""EPICS PVAccess: images as areaDetector's NTNDArray, and a watch's figures as process variables."""
