import django.db.models.deletion
from django.db import migrations, models

from dicomhub.archive.person_name import words_of

_PATIENTS_A_STATEMENT = 2000


def fill(apps, schema_editor):
    """The words of the patients who are there already."""
    patients = apps.get_model("archive", "Patient").objects.order_by("pk")
    words = apps.get_model("archive", "PatientNameWord").objects
    last = 0
    while some := list(patients.filter(pk__gt=last)[:_PATIENTS_A_STATEMENT]):
        words.bulk_create(
            [
                words.model(tenant_id=patient.tenant_id, patient_id=patient.pk, word=word)
                for patient in some
                for word in sorted(words_of(patient.patient_name_folded))
            ],
            batch_size=_PATIENTS_A_STATEMENT,
        )
        last = some[-1].pk


class Migration(migrations.Migration):

    dependencies = [
        ('archive', '0001_initial'),
        ('tenants', '0002_admission'),
    ]

    operations = [
        migrations.CreateModel(
            name='PatientNameWord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('word', models.CharField(max_length=64)),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='name_words', to='archive.patient')),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'word', 'patient'], name='patient_by_name_word', opclasses=('varchar_pattern_ops', 'varchar_pattern_ops', 'int8_ops'))],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
