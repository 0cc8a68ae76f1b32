"""What the screens share, and the rooms behind them as the screens see them."""
