"""What the layers are made of: one kind of resource in each module, as every resource of that kind is here."""
