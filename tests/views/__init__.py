"""The views over a small lake of chance, by the engines that answer them."""
