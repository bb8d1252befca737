"""The media plane: Worker processes that forward RTP without decoding it, and what they are made of."""
