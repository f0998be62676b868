"""How a worker ends itself: by what time, how long it may live, and what watches over that."""
