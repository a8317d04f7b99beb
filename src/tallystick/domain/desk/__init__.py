"""What the app's pages show, in chapters: reads that join several nouns, as far as the actor may see them."""
