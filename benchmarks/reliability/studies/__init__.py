"""The studies, a file each: `study(folder, told)` gives a heading and lines of Markdown."""
