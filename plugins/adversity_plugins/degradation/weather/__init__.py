"""Weather between the camera and the scene."""
