-- A database of its own for Kong, for whoever puts it in the place of the embedded gateway.
CREATE DATABASE kong;
