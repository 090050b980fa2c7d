"""Long coding sessions on DeepSeek V4 in which the model reads every token once."""

__version__ = "0.1.0"
