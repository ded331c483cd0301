"""The app: views that pick, load and draw. It reads files and never imports torch."""
