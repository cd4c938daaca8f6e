"""From captions to viewers: typed events, and one hub per process that hands each frame to every viewer."""
