"""The embedded speech engine: a server that speaks Gradium's protocol over a recogniser on this machine.

From the wire inwards: ``server`` and ``connection`` (sockets) read messages, ``framing`` cuts audio into frames, a
recogniser hears them (``pool`` and ``decoder_process`` around ``speech``; ``scripted`` with ``bursts`` in tests), and
``reply`` turns what was heard into messages at the right moment; ``request`` holds these together.
"""
