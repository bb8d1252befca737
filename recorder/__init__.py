"""Recording: taking Tracks down as packets while they run, and everything that is made of them afterwards."""
