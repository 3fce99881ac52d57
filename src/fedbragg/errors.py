"""The errors a user can meet; each message states the problem, the place and the remedy.

FedbraggError
├── ConfigError         a setting or a settings file
├── InputError          something the user pointed at
│   ├── RunError        a path or file that is no run of images
│   ├── FrameError      one frame that cannot be read
│   ├── LabelError      a table of labels
│   └── ModelFileError  a model file
├── MissingExtraError   a part of fedbragg that is not installed
├── ClusterError        a cluster that cannot be used, or cannot go on
└── FederationError     a federation that cannot go on
    ├── UpdateRejected         one site's update that must not count
    ├── SumRefused             a masked sum that must not be opened, or cannot be
    ├── BudgetSpent            a training that would tell more than a site allows
    ├── ModelRefused           a new model that a site does not train on
    ├── NoAnswerError          a server that does not answer in time
    ├── ReplacedError          a site's client in whose place another one has come
    └── ProtocolMismatchError  a peer that runs another version of the protocol

SettingsWarning         a setting that still works but has a new name
"""

from __future__ import annotations


class FedbraggError(Exception):
    """Any error that is fedbragg's to explain; the command line prints its message and exits with 2."""


class ConfigError(FedbraggError):
    """A setting is wrong or unknown."""


class InputError(FedbraggError):
    """Something the user pointed at cannot be used."""


class RunError(InputError):
    """A path or file is no run of images."""


class FrameError(InputError):
    """One frame cannot be read.

    Carries ``path``, ``index`` and ``event`` so that a caller can keep the frame and go on.
    """

    def __init__(self, path: str, index: int, reason: str, event: str = "") -> None:
        super().__init__(f"{path} frame {index}: {reason}")
        self.path = path
        self.index = index
        self.reason = reason
        self.event = event


class LabelError(InputError):
    """A table of labels cannot be used."""


class ModelFileError(InputError):
    """A model file cannot be used."""


class MissingExtraError(FedbraggError):
    """A command needs a part of fedbragg that is not installed."""


class ClusterError(FedbraggError):
    """A cluster of machines cannot be used, or cannot go on."""


class FederationError(FedbraggError):
    """A federation cannot go on."""


class UpdateRejected(FederationError):  # noqa: N818  what happened to the update, not an error of the program
    """One site's update must not count."""


class SumRefused(FederationError):  # noqa: N818  what happened to the sum, not an error of the program
    """A masked sum must not be opened, or cannot be."""


class BudgetSpent(FederationError):  # noqa: N818  why a site does not train, not an error of the program
    """A training would tell more about a site's runs than it allows."""


class ModelRefused(FederationError):  # noqa: N818  a site's judgement, not an error of the program
    """A new model is so much worse on a site's held-out examples that the site does not train on it."""


class NoAnswerError(FederationError):
    """The server did not answer in time."""


class ReplacedError(FederationError):
    """Another client of the same site has connected since, so that this one must end."""


class ProtocolMismatchError(FederationError):
    """A message comes from a peer that runs another version of the protocol."""


class SettingsWarning(UserWarning):
    """A setting still works but has a new name; the command line prints it as one line."""
