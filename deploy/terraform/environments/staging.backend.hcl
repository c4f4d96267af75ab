bucket     = "ora-staging-terraform"
key        = "ora/staging.tfstate"
region     = "ap-southeast-2"
kms_key_id = "alias/ora-staging-terraform"
