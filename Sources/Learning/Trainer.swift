import Torch
import NNUNet
