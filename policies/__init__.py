"""The rules that every deployment of the program must satisfy, for Pulumi's engine and for the tests."""
