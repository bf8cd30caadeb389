"""Operations: planned changes to the world, run one at a time per target, and told truthfully."""
