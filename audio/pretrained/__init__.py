"""A pretrained text-to-audio model that learns by subtraction to make a stem for a mix.

The paper's own recipe: Stable Audio Open, or Riffusion as InstructPix2Pix, gets the mix without the
stem as a further input and is fine-tuned to add what is missing. The models are the user's, in
local folders as `diffusers` saves them; nothing is ever fetched.
"""
