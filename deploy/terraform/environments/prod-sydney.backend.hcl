bucket     = "ora-prod-sydney-terraform"
key        = "ora/prod-sydney.tfstate"
region     = "ap-southeast-2"
kms_key_id = "alias/ora-prod-sydney-terraform"
