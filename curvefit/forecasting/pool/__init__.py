"""A pool of local power-law trends, and the distribution it predicts.

In the order of the computation, one module each: `batch` (curves side by side), `link` (values to an unbounded scale),
`noise`, `bins`, `trends` (thirty local fits), `backtests` (what they would have said), `experts`, `features`,
`weights` (the pool without anything learned), `mixture` (the distribution), `engine` (all of it).
"""
