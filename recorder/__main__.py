"""``python -m recorder``: see :mod:`recorder.process`."""

from recorder.process import main

if __name__ == "__main__":
    main()
