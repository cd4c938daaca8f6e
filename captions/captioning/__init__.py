"""From audio to captions: segmenter, captioner (one per live room), durable log of finals."""
