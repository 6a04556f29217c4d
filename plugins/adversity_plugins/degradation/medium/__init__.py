"""What is between the camera and the scene and takes light away: haze, water, rain."""
