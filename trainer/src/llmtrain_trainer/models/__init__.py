"""The built-in network, a GPT of the Llama family.

    config.py        its sizes: presets, and what a job changes in them
    gpt.py           the decoder
    init_weights.py  initial weights, from the seed and each tensor's name
    flops.py         the operations that a token costs, and model FLOPs utilization (MFU)
    generate.py      sampling text
    huggingface.py   export in the layout of Hugging Face's libraries

Nothing here knows about ranks, datasets or checkpoints.
"""
