"""The application of programs that talk to the broker and run no stage: beat and Flower."""

from dicomhub.environment import read_environment
from tasks.app import create_app

app = create_app(read_environment().broker_url())
