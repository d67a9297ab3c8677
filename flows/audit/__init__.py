"""Is what is stored what was approved?"""
