"""The coding agent: loop, tools, transcript. Knows an engine only through ds4agent.client."""
