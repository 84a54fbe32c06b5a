"""What is known of models: catalogue, detection, plans. Imports the standard library and safetensors."""
