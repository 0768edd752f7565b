"""The simulated loader: what ld.so, dyld or Windows would find of what a wheel needs, and not find."""
