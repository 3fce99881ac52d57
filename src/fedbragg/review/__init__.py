"""A local page to look at frames and label them.

Data flow downwards: ``server`` (HTTP) > ``labelling_session`` (what the page can ask for) > ``picture``, ``judgement``,
``orders`` and ``label_store`` (labels of several people) > ``journal`` (the file) > ``entry``.
"""
