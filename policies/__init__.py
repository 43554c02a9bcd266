"""The rules that every deployment of the program must keep, for Pulumi's engine and for the tests alike."""
