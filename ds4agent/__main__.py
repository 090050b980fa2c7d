"""`python -m ds4agent` is the command `ds4agent`."""

from ds4agent.cli.main import main

if __name__ == "__main__":
    main()
