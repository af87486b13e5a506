"""`python -m wenlu` is `wenlu`; `torchrun -m wenlu` starts it in several processes."""

from wenlu.cli.main import main

if __name__ == "__main__":
    main()
