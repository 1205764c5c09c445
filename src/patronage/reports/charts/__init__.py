"""One chart a file: a small frame in, an Altair chart out. Frames are aggregated beforehand."""
