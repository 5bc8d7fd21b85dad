"""Check configuration: what each step asks of the provider, and what its answer means.

product.md, Check configuration; entra-facts §5. Each step is a function of what it is given and
keeps nothing, so that any process can take the next one.
"""
