"""The agent in an editor: sessions of `ds4agent run`, started, watched, interrupted and taken up again."""
