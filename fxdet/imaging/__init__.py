"""From file to network input: reading, cutting and scaling radiographs. NumPy, OpenCV, Pillow and pydicom."""
