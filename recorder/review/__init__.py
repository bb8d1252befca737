"""What a review of recordings is made of: scorecards, samples, agreement, the audit's chain, search, retention. Pure."""
