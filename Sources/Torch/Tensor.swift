import CTorchAPI
