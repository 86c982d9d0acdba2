"""What a model is compared with: best single setting, hand rule, nearest system, oracle."""
