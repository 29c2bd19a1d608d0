"""The tables of the contract, and the references and lesions that stand in them."""
