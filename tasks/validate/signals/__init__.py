"""What an examiner reads from both arms."""
