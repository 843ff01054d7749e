failed sport:>many
