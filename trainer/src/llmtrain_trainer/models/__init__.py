"""The network.

    shape.py        sizes: presets and what a job changes in them
    gpt.py          the decoder
    flops.py        what a token costs
    initial.py      first weights, from the seed and each tensor's name
    huggingface.py  the layout in which other libraries load it

Nothing here knows how many ranks there are.
"""
