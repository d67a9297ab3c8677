"""What is no part of a release workspace."""

import flows  # noqa: F401  it says how many threads numeric libraries take, before they come
