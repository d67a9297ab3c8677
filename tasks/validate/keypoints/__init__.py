"""How far keypoints moved."""
