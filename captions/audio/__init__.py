"""Sound as the speaker socket takes it: WAV files and raw PCM in, 80 ms frames of 24 kHz 16-bit mono out."""
