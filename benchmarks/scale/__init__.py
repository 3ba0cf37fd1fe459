"""How batches scale: time per curve, memory, overhead of workers, and what resuming costs."""
