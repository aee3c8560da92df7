"""From pictures, films or tables to CARIM's data folder: rows with captions and elements, and a film for each scene."""
