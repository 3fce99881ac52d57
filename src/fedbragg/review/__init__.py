"""A local page to look at examples and label them.

Frames, data flow downwards: ``server`` (HTTP) > ``labelling_session`` (the page's requests) > ``picture``,
``judgement``, ``orders``, ``scores`` and ``label_store`` (labels of several people) > ``journal`` (the file) >
``entry``.
``teaching`` adapts the model to the labels, in the process that ``teach_process`` runs; ``held_out`` says which labels
judge it, ``promise`` which may calibrate it.

Tags and phases: ``tick_server`` > ``tick_session`` > ``tick_table`` and the same ``label_store``.
"""
