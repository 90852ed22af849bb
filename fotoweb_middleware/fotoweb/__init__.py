"""What FotoWeb says and expects on the wire. Pure: text in, values out."""
