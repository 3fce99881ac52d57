"""A local page to look at frames and label them.

Data flow downwards: ``server`` (HTTP) > ``desk`` (what the page can ask for) > ``pictures``, ``judgement``, ``orders``
and ``book`` (labels of several people) > ``journal`` (the file) > ``entry``.
"""
